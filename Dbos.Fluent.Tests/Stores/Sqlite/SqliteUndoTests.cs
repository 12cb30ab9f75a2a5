using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteCompensationTests(SqliteDatabases f) : CompensationSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteUndoStepTests(SqliteDatabases f) : UndoStepSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteUndoReplayTests(SqliteDatabases f) : UndoReplaySuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteUndoGroupTests(SqliteDatabases f) : UndoGroupSuite(f), IClassFixture<SqliteDatabases>;
