// Values on their way between the two languages. A value is given as a JavaScript expression, so that it is one that JSON cannot say.
import { inspect, isDeepStrictEqual } from "node:util";

const soon = { pollingIntervalMs: 20 };
const values = new Map();

const evaluate = (expression) => new Function(`return (${expression});`)();
const show = (value) => inspect(value, { depth: 9, maxStringLength: 100, breakLength: Infinity });

// What is not as expected, as a text; null where it is.
function difference(actual, expression) {
  const expected = evaluate(expression);
  return isDeepStrictEqual(actual, expected) ? null : `${show(actual)} instead of ${show(expected)}`;
}

/** Sends a value to each of these workflows, and compares what comes back: [{ id, workflow, sent, returned }] -> [{ id, wrong, error }]. */
export function crossToDotnet(client, queueName, rows) {
  return Promise.all(
    rows.map(async ({ id, workflow, sent, returned }) => {
      try {
        const handle = await client.enqueuePortable({ workflowID: id, workflowName: workflow, queueName }, [evaluate(sent)]);
        return { id, wrong: difference(await handle.getResult(soon), returned) };
      } catch ({ name, message }) {
        return { id, error: `${name}: ${message}` };
      }
    }),
  );
}

/** Notes what a workflow of this process was given. */
export function arrived(id, value) {
  values.set(id, value ?? null);
}

/** Compares what arrived: [{ id, expected }] -> [{ id, wrong }]. */
export function whatArrived(rows) {
  return rows.map(({ id, expected }) => ({ id, wrong: values.has(id) ? difference(values.get(id), expected) : "nothing arrived" }));
}
