#!/usr/bin/env bash
# Functions that look up a stack and a database branch, and that delete the secrets of a stack. "Not found" is a valid
# result; any other error ends the script.

# Prints the status of a stack; nothing if the stack does not exist.
stack_status() {
    local answer
    if answer=$(aws cloudformation describe-stacks --stack-name "$1" --query 'Stacks[0].StackStatus' --output text 2>&1); then
        echo "$answer"
    elif [[ $answer != *"does not exist"* ]]; then
        echo "$answer" >&2
        return 1
    fi
}

# Succeeds if a database branch with this name exists.
branch_exists() {
    local branches
    branches=$(neonctl branches list --project-id "$NEON_PROJECT_ID" --output json) || exit 1
    jq --exit-status --arg name "$1" 'any(.[]; .name == $name)' <<< "$branches" > /dev/null
}

# Deletes the secrets of a stack, which outlive it, so that their names are free.
delete_secrets() {
    local function answer
    for function in auth tasks users health maintenance migrate; do
        if ! answer=$(aws secretsmanager delete-secret --secret-id "$1/$function" --force-delete-without-recovery 2>&1) \
            && [[ $answer != *ResourceNotFoundException* ]]; then
            echo "$answer" >&2
            exit 1
        fi
    done
}
