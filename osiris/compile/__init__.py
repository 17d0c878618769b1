"""From a pipeline's YAML to a manifest: parse, check everything at once, plan, freeze."""
