#!/usr/bin/env bash
# Deletes the stack of a pull request, the secrets that outlive it, and its branch of the database.
set -euo pipefail
stack=$1
[[ $stack == todo-pr-* ]] || { echo "error: $stack is not the stack of a pull request" >&2; exit 1; }

if aws cloudformation describe-stacks --stack-name "$stack" > /dev/null 2>&1; then
    secrets=$(aws cloudformation describe-stack-resources --stack-name "$stack" \
        --query 'StackResources[?ResourceType==`AWS::SecretsManager::Secret`].PhysicalResourceId' --output text)
    aws cloudformation delete-stack --stack-name "$stack" --role-arn "$EXECUTION_ROLE"
    aws cloudformation wait stack-delete-complete --stack-name "$stack"
    for secret in $secrets; do
        aws secretsmanager delete-secret --secret-id "$secret" --force-delete-without-recovery > /dev/null
    done
    echo "the stack $stack and its secrets are gone"
fi
if neonctl branches get "$stack" --project-id "$NEON_PROJECT_ID" > /dev/null 2>&1; then
    neonctl branches delete "$stack" --project-id "$NEON_PROJECT_ID" > /dev/null
    echo "the branch $stack of the database is gone"
fi
