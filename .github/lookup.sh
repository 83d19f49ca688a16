#!/usr/bin/env bash
# What is there, of a stack and of a branch of the database, and what outlives a stack. "Not found" is an answer;
# anything else that goes wrong ends the script, instead of passing for one.

# The status of a stack; nothing if there is none.
stack_status() {
    local answer
    if answer=$(aws cloudformation describe-stacks --stack-name "$1" --query 'Stacks[0].StackStatus' --output text 2>&1); then
        echo "$answer"
    elif [[ $answer != *"does not exist"* ]]; then
        echo "$answer" >&2
        return 1
    fi
}

# Whether there is a branch of this name.
branch_exists() {
    local branches
    branches=$(neonctl branches list --project-id "$NEON_PROJECT_ID" --output json) || exit 1
    jq --exit-status --arg name "$1" 'any(.[]; .name == $name)' <<< "$branches" > /dev/null
}

# Deletes the secrets of a stack, so that their names are free.
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
