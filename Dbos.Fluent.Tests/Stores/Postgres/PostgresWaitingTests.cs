using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresUnloadTests(PostgresDatabases f) : UnloadSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresResumeTests(PostgresDatabases f) : ResumeSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresLoneEngineTests(PostgresDatabases f) : LoneEngineSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresParkedTests(PostgresDatabases f) : ParkedSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresMomentTests(PostgresDatabases f) : MomentSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresGroupUnloadTests(PostgresDatabases f) : GroupUnloadSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresLeavingTests(PostgresDatabases f) : LeavingSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresWaitLengthTests(PostgresDatabases f) : WaitLengthSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresLateWordTests(PostgresDatabases f) : LateWordSuite(f), IClassFixture<PostgresDatabases>;
