"""Drawing: plans and differences as text and SVG. Pure: values in, text or a rich renderable out."""
