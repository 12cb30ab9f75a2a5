using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresCompensationTests(PostgresDatabases f) : CompensationSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresUndoStepTests(PostgresDatabases f) : UndoStepSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresUndoReplayTests(PostgresDatabases f) : UndoReplaySuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresUndoGroupTests(PostgresDatabases f) : UndoGroupSuite(f), IClassFixture<PostgresDatabases>;
