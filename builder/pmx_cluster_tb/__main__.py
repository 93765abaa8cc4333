"""`python -m pmx_cluster_tb`."""

from pmx_cluster_tb.cli import main

if __name__ == "__main__":
    main()
