# SPDX-License-Identifier: Apache-2.0
"""check_schema.py SCHEMA VALID INVALID: exit 0 where the schema accepts the first file and
refuses every value of the second, 77 where a module is missing, 1 otherwise."""
import json
import sys

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)


def leaves(node, path=()):
    """Paths of all values, those of lists of text and empty maps as a whole."""
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from leaves(value, path + (key,))
    elif isinstance(node, list) and any(isinstance(item, dict) for item in node):
        for index, item in enumerate(node):
            yield from leaves(item, path + (index,))
    else:
        yield path


def refused(validator, document, path):
    """Is there a fault in what is left when only this one value is kept?"""
    value = document
    for part in path:
        value = value[part]
    for part in reversed(path):
        value = [value] if isinstance(part, int) else {part: value}
    return any(validator.iter_errors(value))


schema, valid, invalid = (open(name, encoding="utf-8").read() for name in sys.argv[1:4])
schema = json.loads(schema)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
faults = [f"{list(e.path)}: {e.message[:200]}" for e in validator.iter_errors(yaml.safe_load(valid))]
document = yaml.safe_load(invalid)
faults += [f"{path} is accepted" for path in leaves(document) if not refused(validator, document, path)]
print("\n".join(faults))
sys.exit(1 if faults else 0)
