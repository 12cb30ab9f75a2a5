using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresWorkflowBasicsTests(PostgresDatabases f) : WorkflowBasicsSuite(f), IClassFixture<PostgresDatabases>;
