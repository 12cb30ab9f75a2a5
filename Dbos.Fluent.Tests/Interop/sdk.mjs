// A program with the published DBOS SDK that is told what to do. One line in, one line out:
//   {"call":"launch","with":{...}} -> {"value":...,"log":["warn ...",...]} or {"error":{"name","message"},"log":[...]}
// What the SDK logged since the last answer comes with each answer; nothing else is printed.
import { createInterface } from "node:readline";
import { DBOS, DBOSClient } from "@dbos-inc/dbos-sdk";

let log = [];
let client;
const poll = { pollingIntervalMs: 25 };

const note = (level) => (entry) => log.push(`${level} ${entry instanceof Error ? entry.message : entry}`);
const logger = { debug: () => {}, info: note("info"), warn: note("warn"), error: note("error") };
console.log = console.info = logger.info;
console.warn = logger.warn;
console.error = logger.error;

// What the SDK's own executor runs.
const child = DBOS.registerWorkflow(async (number) => number + 1, { name: "ts-child" });
DBOS.registerWorkflow(
  async (number) => {
    const doubled = await DBOS.runStep(async () => number * 2, { name: "double" });
    const handle = await DBOS.startWorkflow(child)(doubled);
    await DBOS.setEvent("doubled", doubled);
    await DBOS.sleep(1);
    return await handle.getResult();
  },
  { name: "ts-steps", serialization: "portable" },
);
DBOS.registerWorkflow(async () => `heard ${await DBOS.recv("words", 20)}`, { name: "ts-hears" });

const calls = {
  migrate: ({ url, schema }) => DBOS.migrate(url, { schemaName: schema }),

  async launch({ url, schema, application, runMigrations }) {
    DBOS.setConfig({
      name: application,
      systemDatabaseUrl: url,
      systemDatabaseSchemaName: schema,
      systemDatabasePoolSize: 4,
      applicationVersion: `${application}-1`,
      runMigrations,
      logger,
    });
    await DBOS.launch();
    await DBOS.registerQueue(`${application}-queue`, { minPollingIntervalMs: 50 });
  },

  shutdown: () => DBOS.shutdown(),

  async connect({ url, schema, application }) {
    client = await DBOSClient.create({
      systemDatabaseUrl: url,
      systemDatabaseSchemaName: schema,
      systemDatabasePoolSize: 2,
      applicationName: application,
      logger,
    });
  },

  disconnect: () => client.destroy(),
  enqueue: async ({ options, args }) => (await client.enqueue(options, ...args)).workflowID,
  enqueuePortable: async ({ options, args, named }) => (await client.enqueuePortable(options, args, named)).workflowID,
  result: ({ id }) => client.retrieveWorkflow(id).getResult(poll),
  event: ({ id, key }) => client.getEvent(id, key, { timeoutSeconds: 20, ...poll }),
  status: ({ id }) => client.getWorkflow(id),
};

async function answer(line) {
  const { call, with: argument } = JSON.parse(line);
  try {
    return { value: (await calls[call](argument ?? {})) ?? null };
  } catch (error) {
    return { error: { name: error.name, message: error.message } };
  }
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const given = await answer(line);
  process.stdout.write(`${JSON.stringify({ ...given, log })}\n`);
  log = [];
}

process.exit(0);
