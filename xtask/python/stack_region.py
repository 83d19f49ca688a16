"""Where a stack stands."""

import os

import tomlkit


def of(stack):
    """The region of the environment, else that of the stage in samconfig.toml; None leaves it to the profile."""
    given = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if given:
        return given
    with open("samconfig.toml", encoding="utf-8") as file:
        stages = tomlkit.load(file).unwrap().values()
    for stage in stages:
        if isinstance(stage, dict) and stage.get("deploy", {}).get("parameters", {}).get("stack_name") == stack:
            return stage["global"]["parameters"]["region"]
    return None
