// Lets a test call functions of this process. One line of JSON for each call, one for its answer, in whatever order they end:
//   {"call":1,"function":"add","arguments":[1,2]} -> {"call":1,"value":3} or {"call":1,"error":{"name":…,"message":…,"code":…,"data":…}}
// The process ends when its input does: nobody is left to call.
import { createInterface } from "node:readline";

// What the SDK prints is no answer.
console.log = console.info = console.debug = console.error;

export async function answerCalls(functions) {
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    void answer(JSON.parse(line), functions);
  }
  process.exit(0);
}

async function answer({ call, function: name, arguments: given }, functions) {
  try {
    write({ call, value: (await functions[name](...given)) ?? null });
  } catch (error) {
    const { name: kind, message, code, data } = error;
    write({ call, error: { name: kind, message, code, data } });
  }
}

function write(answer) {
  process.stdout.write(JSON.stringify(answer) + "\n");
}
