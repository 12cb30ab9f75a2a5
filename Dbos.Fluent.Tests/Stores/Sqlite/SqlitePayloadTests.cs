using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteRecordedFailureTests(SqliteDatabases f) : RecordedFailureSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqlitePayloadFidelityTests(SqliteDatabases f) : PayloadFidelitySuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqlitePortableFormatTests(SqliteDatabases f) : PortableFormatSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteUnstorableTests(SqliteDatabases f) : UnstorableSuite(f), IClassFixture<SqliteDatabases>;
