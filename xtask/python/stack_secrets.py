"""Reads and writes the secrets of a stack, which its outputs name. Called by `cargo xtask secrets`."""

import json
import os
import sys

import boto3
import stack_region
from botocore.exceptions import BotoCoreError, ClientError

# What the secret of each function holds beside its keys: a line for each function, its name first.
LINES = [line.split() for line in os.environ["FUNCTION_SECRETS"].splitlines()]
SETTINGS = {function: settings for function, *settings in LINES}
KEYS = ["JWT_SIGNING_KEYS", "JWT_PUBLIC_KEYS", "REFRESH_TOKEN_KEYS", "PASSWORD_PEPPERS"]
REQUIRED = ["DATABASE_URL", "DATABASE_URL_UNPOOLED"]


class Stack:
    def __init__(self, name):
        region = stack_region.of(name)
        stacks = boto3.client("cloudformation", region_name=region).describe_stacks(StackName=name)["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}
        self.arns = {}
        for function in SETTINGS:
            output = f"{function.capitalize()}Secret"
            if output not in outputs:
                sys.exit(f"error: the stack {name} has no output {output}; is it this backend's?")
            self.arns[function] = outputs[output]
        self.client = boto3.client("secretsmanager", region_name=region)

    def read(self, function):
        """The settings in a secret; None if nobody has put any in."""
        try:
            answer = self.client.get_secret_value(SecretId=self.arns[function])
        except self.client.exceptions.ResourceNotFoundException as error:
            if "staging label" in str(error):
                return None
            raise
        return json.loads(answer["SecretString"])

    def write(self, function, settings):
        self.client.put_secret_value(SecretId=self.arns[function], SecretString=json.dumps(settings))
        print(f"  {function}: {', '.join(sorted(settings))}", file=sys.stderr)


def fill(stack, refusal):
    # Auth is filled last: while it is empty, nobody has signed up with keys of an earlier try.
    if stack.read("auth") is not None:
        if refusal == "if-empty":
            print("the secrets have values already")
            return
        sys.exit("error: the secrets have values already, and other keys would sign everybody out and make every "
                 "password useless; use rotate or set")
    made = json.load(sys.stdin)
    known = set(os.environ).union(*made.values())
    missing = [name for name in REQUIRED if name not in known]
    if missing:
        sys.exit(f"error: set {' and '.join(missing)} in the environment")
    for function in auth_last(SETTINGS):
        given = {name: os.environ[name] for name in SETTINGS[function] if os.environ.get(name)}
        stack.write(function, {**made.get(function, {}), **given})
    print("filled")


def auth_last(functions):
    return sorted(functions, key=lambda function: function == "auth")


def export(stack):
    json.dump({function: stack.read(function) or {} for function in SETTINGS}, sys.stdout, indent=2)


def keys(stack):
    found = {function: stack.read(function) or {} for function in SETTINGS}
    rings = {function: {name: settings[name] for name in KEYS if name in settings} for function, settings in found.items()}
    json.dump({function: ring for function, ring in rings.items() if ring}, sys.stdout)


def replace(stack):
    made = json.load(sys.stdin)
    # Who verifies learns of a key before who signs uses it.
    for function in auth_last(made):
        stack.write(function, {**(stack.read(function) or {}), **made[function]})


def set_value(stack, name):
    functions = [function for function, names in SETTINGS.items() if name in names]
    if not functions:
        known = sorted({name for names in SETTINGS.values() for name in names})
        sys.exit(f"error: {name} is none of {', '.join(known)}; keys are changed by rotate")
    value = sys.stdin.read().strip()
    if not value:
        sys.exit("error: standard input is empty")
    for function in functions:
        stack.write(function, {**(stack.read(function) or {}), name: value})


def main():
    command, name, *rest = sys.argv[1:]
    commands = {"fill": fill, "export": export, "keys": keys, "replace": replace, "set": set_value}
    try:
        commands[command](Stack(name), *rest)
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"error: AWS says: {error}")


if __name__ == "__main__":
    main()
