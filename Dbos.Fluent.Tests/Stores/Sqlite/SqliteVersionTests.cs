using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteContinueAsNewTests(SqliteDatabases f) : ContinueAsNewSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteGenerationTests(SqliteDatabases f) : GenerationSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqlitePatchTests(SqliteDatabases f) : PatchSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteVersionTests(SqliteDatabases f) : VersionSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteVersionNameTests(SqliteDatabases f) : VersionNameSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteAdoptTests(SqliteDatabases f) : AdoptSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteRecoverTests(SqliteDatabases f) : RecoverSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteExplainTests(SqliteDatabases f) : ExplainSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteExplainQueueTests(SqliteDatabases f) : ExplainQueueSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteContinueSuiteTests(SqliteStores f) : ContinueStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteStrandedSuiteTests(SqliteStores f) : StrandedStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteRollingDeploymentTests(SqliteDatabases f) : RollingDeploymentSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteNeighbourTests(SqliteDatabases f) : NeighbourSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteAdoptReplayTests(SqliteDatabases f) : AdoptReplaySuite(f), IClassFixture<SqliteDatabases>;
