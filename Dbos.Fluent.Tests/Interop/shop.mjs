import { DBOS, DBOSClient } from "@dbos-inc/dbos-sdk";

const systemDatabaseUrl = process.env.DBOS_SYSTEM_DATABASE_URL;

// A workflow that C# calls by its name.
DBOS.registerWorkflow(
  async (sku, net) => {
    const gross = await DBOS.runStep(async () => net * 2, { name: "add tax" });
    return { sku, gross, at: new Date() };
  },
  { name: "invoice" },
);

DBOS.setConfig({ name: "billing", systemDatabaseUrl, logLevel: "error" });
await DBOS.launch();
await DBOS.registerQueue("invoices");

// A workflow that runs in C#.
const client = await DBOSClient.create({ systemDatabaseUrl, applicationName: "pricing" });
for (const answer of ["yes", "no"]) {
  const quote = { workflowName: "quote", queueName: "quotes" };
  const handle = await client.enqueuePortable(quote, [{ sku: "pens", quantity: 3 }]);
  console.log(await client.getEvent(handle.workflowID, "price", { timeoutSeconds: 60, pollingIntervalMs: 50 }));
  await client.send(handle.workflowID, answer, "approval", undefined, { serializationType: "portable" });
  try {
    console.log(await handle.getResult());
  } catch (error) {
    console.log(error.name, error.message, error.code, error.data.sku); // a PortableWorkflowError
  }
}
