"""A connector that breaks its contract in the way that its option `behaviour` names, inside this process."""
