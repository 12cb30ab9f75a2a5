// The workflows of the TypeScript process.
import { DBOS } from "@dbos-inc/dbos-sdk";
import { arrived } from "./crossing.mjs";

const step = (name, body) => DBOS.runStep(body, { name });

async function total(sku, quantity, price) {
  return { sku, quantity, total: await step("multiply", async () => quantity * price), arguments: arguments.length };
}

async function refuse(reason) {
  throw Object.assign(new RangeError(`refused: ${reason}`), { code: "E42", data: { reason, left: 0 } });
}

async function converse(name) {
  await DBOS.setEvent("greeting", { hello: name });
  const topical = await DBOS.recv("approval", { timeoutSeconds: 30 });
  const plain = await DBOS.recv(undefined, { timeoutSeconds: 30 });
  for (let done = 1; done <= 3; done++) await DBOS.writeStream("progress", { done });
  await DBOS.closeStream("progress");
  const more = await DBOS.recv("approval", { timeoutSeconds: 0 });
  return { topical, plain, more };
}

// Each step says which process ran it.
async function steps(count, pauseMs) {
  const ran = [];
  for (let n = 0; n < count; n++) {
    ran.push(await step(`step ${n}`, async () => process.pid));
    if (pauseMs) await DBOS.sleep(pauseMs);
  }
  return ran;
}

async function gated() {
  const before = await step("before", async () => "before");
  const message = await DBOS.recv("go", { timeoutSeconds: 30 });
  const after = await step("after", async () => "after");
  return `${before} ${message} ${after}`;
}

async function echo(...given) {
  const value = given.length > 1 ? given : given[0];
  arrived(DBOS.workflowID, value);
  return value;
}

export function registerWorkflows() {
  for (const workflow of [total, refuse, converse, steps, gated, echo]) {
    DBOS.registerWorkflow(workflow, { name: workflow.name });
  }
}
