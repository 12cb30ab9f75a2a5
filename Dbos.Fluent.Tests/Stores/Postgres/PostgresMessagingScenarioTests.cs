using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresMessageTests(PostgresDatabases f) : MessageSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresMessageSendTests(PostgresDatabases f) : MessageSendSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresMessageRecordTests(PostgresDatabases f) : MessageRecordSuite(f), IClassFixture<PostgresDatabases>;
