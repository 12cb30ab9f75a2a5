using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.PostgresPolling;

public sealed class PostgresPollingCompensationTests(PostgresPollingDatabases f)
    : CompensationSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingUndoStepTests(PostgresPollingDatabases f)
    : UndoStepSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingUndoReplayTests(PostgresPollingDatabases f)
    : UndoReplaySuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingUndoGroupTests(PostgresPollingDatabases f)
    : UndoGroupSuite(f), IClassFixture<PostgresPollingDatabases>;
