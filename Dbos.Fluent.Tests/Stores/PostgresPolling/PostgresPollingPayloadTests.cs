using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.PostgresPolling;

public sealed class PostgresPollingRecordedFailureTests(PostgresPollingDatabases f)
    : RecordedFailureSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingPayloadFidelityTests(PostgresPollingDatabases f)
    : PayloadFidelitySuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingPortableFormatTests(PostgresPollingDatabases f)
    : PortableFormatSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingUnstorableTests(PostgresPollingDatabases f)
    : UnstorableSuite(f), IClassFixture<PostgresPollingDatabases>;
