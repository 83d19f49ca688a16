"""Invokes a function of a stack, waits as long as it takes, and prints its answer. Called by `cargo xtask invoke`."""

import json
import sys

import boto3
import stack_region
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError


def main():
    name, function, event, version = sys.argv[1:]
    region = stack_region.of(name)
    stacks = boto3.client("cloudformation", region_name=region).describe_stacks(StackName=name)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}
    alias = outputs.get(f"{function.capitalize()}Function")
    if alias is None:
        sys.exit(f"error: the stack {name} has no output {function.capitalize()}Function")
    # Nothing is done twice because it took long.
    patience = Config(read_timeout=910, retries={"max_attempts": 0})
    client = boto3.client("lambda", region_name=region, config=patience)
    target = alias.rsplit(":", 1)[0] + f":{version}" if version else alias
    answer = client.invoke(FunctionName=target, Payload=event.encode())
    print(json.dumps(json.load(answer["Payload"]), indent=2))
    if "FunctionError" in answer:
        sys.exit(1)


if __name__ == "__main__":
    try:
        main()
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"error: AWS says: {error}")
