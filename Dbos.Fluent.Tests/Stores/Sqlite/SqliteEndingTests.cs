using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteDeadlineTests(SqliteDatabases f) : DeadlineSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteCancelTests(SqliteDatabases f) : CancelSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteOwnershipTests(SqliteDatabases f) : OwnershipSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteCancelQueueTests(SqliteDatabases f) : CancelQueueSuite(f), IClassFixture<SqliteDatabases>;
