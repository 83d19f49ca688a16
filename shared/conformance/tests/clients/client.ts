// What a page does with the generated client.
import { createTask, listTasks, patchTask, signIn } from "./generated";
import { createClient } from "./generated/client";

export async function work(baseUrl: string): Promise<string[]> {
  const client = createClient({ baseUrl });
  const session = await signIn({ client, body: { email: "ada@example.com", password: "correct horse battery" } });
  if (session.error !== undefined) {
    throw new Error(`${session.error.status} ${session.error.code}: ${session.error.detail}`);
  }
  const auth = session.data.data.access_token;
  const made = await createTask({ client, auth, body: { title: "Buy milk", priority: "urgent_important" } });
  if (made.error !== undefined) throw new Error(made.error.title);
  await patchTask({ client, auth, path: { id: made.data.data.id }, body: { is_completed: true } });
  const list = await listTasks({ client, auth, query: { sort_by: "title", sort_order: "asc", completed: true } });
  return list.data?.data.tasks.map((task) => task.title) ?? [];
}
