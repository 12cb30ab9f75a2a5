// A process of DBOS for TypeScript: a client of the database, and an executor where a test launches it.
import { DBOS, DBOSClient } from "@dbos-inc/dbos-sdk";
import { answerCalls } from "./answer.mjs";
import { crossToDotnet, whatArrived } from "./crossing.mjs";
import { registerWorkflows } from "./workflows.mjs";

const soon = { pollingIntervalMs: 20 };
const portable = { serializationType: "portable" };
const nothing = () => {};
const logger = { debug: nothing, info: nothing, warn: console.error, error: console.error };
let client;

// A handle leads to the whole system database; a test needs its id.
const withoutHandles = (value) => (typeof value?.getResult === "function" ? value.workflowID : value);

await answerCalls({
  async connect(systemDatabaseUrl, applicationName) {
    client = await DBOSClient.create({ systemDatabaseUrl, applicationName: applicationName ?? undefined, logger });
  },

  // The queue is there before the launch, so that the executor need not look again to find it.
  async launch(systemDatabaseUrl, { name, version, executor, queue }) {
    await DBOS.migrate(systemDatabaseUrl);
    client = await DBOSClient.create({ systemDatabaseUrl, applicationName: name, logger });
    await client.registerQueue(queue, { minPollingIntervalMs: 50 });
    registerWorkflows();
    DBOS.setConfig({ name, systemDatabaseUrl, applicationVersion: version, executorID: executor, logger });
    await DBOS.launch();
  },

  async launchNameless(systemDatabaseUrl) {
    DBOS.setConfig({ systemDatabaseUrl, logger });
    await DBOS.launch();
  },

  async enqueue(options, positional, named) {
    return withoutHandles(await client.enqueuePortable(options, positional, named ?? undefined));
  },

  async enqueueNative(options, positional) {
    return withoutHandles(await client.enqueue(options, ...positional));
  },

  send: (id, message, topic, key) => client.send(id, message, topic ?? undefined, key ?? undefined, portable),
  sendNative: (id, message, topic) => client.send(id, message, topic ?? undefined),
  result: (id) => client.retrieveWorkflow(id).getResult(soon),
  event: (id, key) => client.getEvent(id, key, { timeoutSeconds: 20, ...soon }),

  async stream(id, key) {
    const values = [];
    for await (const value of client.readStream(id, key, soon)) values.push(value);
    return values;
  },

  // Everything else that a client can be asked for.
  async client(method, ...given) {
    return withoutHandles(await client[method](...given));
  },

  crossToDotnet: (queueName, rows) => crossToDotnet(client, queueName, rows),
  whatArrived,

  // What every executor does each second, of whatever application and by whatever clock.
  async sweep(now) {
    const clock = Date.now;
    Date.now = () => now;
    try {
      await client.systemDatabase.transitionDelayedWorkflows();
    } finally {
      Date.now = clock;
    }
  },

  // What every executor does with each of its queues: it takes what its version may run.
  take: (queueName, executor, version) =>
    client.systemDatabase.findAndMarkStartableWorkflows({ name: queueName }, executor, version, undefined, 0, 0, "a token"),
});
