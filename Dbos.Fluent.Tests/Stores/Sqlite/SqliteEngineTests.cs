using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteWorkflowBasicsTests(SqliteDatabases f) : WorkflowBasicsSuite(f), IClassFixture<SqliteDatabases>;
