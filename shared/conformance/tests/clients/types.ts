// What a page does with the generated types.
import type { components, operations, paths } from "./schema";

type Success<Operation extends keyof operations, Status extends number> = operations[Operation] extends {
  responses: Record<Status, { content: { "application/json": infer Body } }>;
}
  ? Body
  : never;

const task: paths["/api/v1/tasks"]["post"]["requestBody"]["content"]["application/json"] = {
  title: "Buy milk",
  priority: "urgent_important",
};
// @ts-expect-error It is a word of the matrix.
const wrong: components["schemas"]["CreateTask"] = { title: "Buy milk", priority: "high" };

function titles(answer: Success<"list_tasks", 200>): string[] {
  const ok: true = answer.success;
  return ok ? answer.data.tasks.map((one) => one.title) : [];
}

function explain(problem: components["schemas"]["Problem"]): string {
  const status: number = problem.status;
  if (problem.code === "validation_failed") {
    return (problem.errors ?? []).map((error) => `${error.pointer} ${error.detail}`).join(", ");
  }
  // @ts-expect-error There is no such code.
  if (problem.code === "no_such_code") return "";
  return `${status} ${problem.title}`;
}

export { explain, task, titles, wrong };
