// A program with the published DBOS SDK that is told what to do, see answer.mjs. Each function takes one object, and answers with what it
// returned and what was logged: {"value":...,"log":["warn ...",...]}.
import { answerCalls } from "./answer.mjs";
import { DBOS, DBOSClient } from "@dbos-inc/dbos-sdk";

// The SDK's driver warns of how the SDK uses it.
process.noDeprecation = true;

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

// What the SDK has logged since the last answer comes with each.
const told = (call) => async (argument) => {
  const value = (await call(argument ?? {})) ?? null;
  const lines = log;
  log = [];
  return { value, log: lines };
};

await answerCalls(Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, told(call)])));
