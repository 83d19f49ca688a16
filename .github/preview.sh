#!/usr/bin/env bash
# Creates or updates the stack of a pull request, with its own database branch.
set -euo pipefail
stack=$1
[[ $stack == todo-pr-* ]] || { echo "error: $stack is not the stack of a pull request" >&2; exit 1; }
source "$(dirname "$0")/lookup.sh"

deploy() {
    cargo xtask deploy dev --template .aws-sam/build/template.yaml -- --no-confirm-changeset \
        --stack-name "$stack" --s3-prefix "$stack" --role-arn "$EXECUTION_ROLE"
}

url() {
    neonctl connection-string "$stack" "$@" --project-id "$NEON_PROJECT_ID" \
        --database-name "$NEON_DATABASE" --role-name "$NEON_ROLE"
}

if ! branch_exists "$stack"; then
    neonctl branches create --name "$stack" --parent "$NEON_PARENT" --project-id "$NEON_PROJECT_ID" > /dev/null
fi
DATABASE_URL=$(url --pooled)
DATABASE_URL_UNPOOLED=$(url)
echo "::add-mask::$DATABASE_URL"
echo "::add-mask::$DATABASE_URL_UNPOOLED"
export DATABASE_URL DATABASE_URL_UNPOOLED

status=$(stack_status "$stack")
case $status in
    REVIEW_IN_PROGRESS | ROLLBACK_COMPLETE | ROLLBACK_FAILED | DELETE_FAILED)
        # The stack was never created completely, or its deletion failed. CloudFormation cannot update it, so delete it.
        aws cloudformation delete-stack --stack-name "$stack" --role-arn "$EXECUTION_ROLE"
        aws cloudformation wait stack-delete-complete --stack-name "$stack"
        delete_secrets "$stack"
        status=
        ;;
esac
# A new stack has no secrets yet: deploy it, fill the secrets, and deploy it again, which migrates.
[[ -n $status ]] || deploy
cargo xtask secrets fill --if-empty --stack "$stack"
deploy
