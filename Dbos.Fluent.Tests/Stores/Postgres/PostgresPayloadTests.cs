using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresRecordedFailureTests(PostgresDatabases f) : RecordedFailureSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresPayloadFidelityTests(PostgresDatabases f) : PayloadFidelitySuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresPortableFormatTests(PostgresDatabases f) : PortableFormatSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresUnstorableTests(PostgresDatabases f) : UnstorableSuite(f), IClassFixture<PostgresDatabases>;
