"""Prints a template as CloudFormation's SAM transform expands it, with the parameters given as NAME=VALUE.

SAM's translator is a library without a command line, so this is the only way to call it without AWS.
"""

import json
import os
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform


class NoManagedPolicies:
    """The template uses no managed policies, so none must be looked up in an AWS account."""

    def load(self):
        return {}


def main():
    path, given = sys.argv[1], dict(argument.split("=", 1) for argument in sys.argv[2:])
    with open(path, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    values = {}
    for name, parameter in template["Parameters"].items():
        value = given.pop(name, parameter.get("Default", ""))
        values[name] = value.split(",") if parameter["Type"] == "CommaDelimitedList" else value
    if given:
        sys.exit(f"the template has no parameter {', '.join(given)}")
    # `sam deploy` uploads the code and sets its URL.
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": "artefacts", "Key": "code"}
    translated = transform(template, values, NoManagedPolicies())
    json.dump(translated, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
