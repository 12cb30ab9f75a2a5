using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.PostgresPolling;

public sealed class PostgresPollingWorkflowBasicsTests(PostgresPollingDatabases f)
    : WorkflowBasicsSuite(f), IClassFixture<PostgresPollingDatabases>;
