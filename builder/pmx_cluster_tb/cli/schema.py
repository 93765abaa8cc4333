"""`pmx-cluster-tb schema`."""

import click

from pmx_cluster_tb.cli.messages import print_json


@click.command("schema")
def command() -> None:
    """Print the JSON schema of the cluster file.

    Editors use it to complete keys and to mark mistakes while you type; `check` knows more rules than a
    schema can say.

    \b
    Example (Even Better TOML, Taplo): in the first line of cluster.toml
      #:schema ./cluster.schema.json
    after
      pmx-cluster-tb schema > cluster.schema.json
    """
    from pmx_cluster_tb.model.schema import json_schema

    print_json(json_schema())
