using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteMessageTests(SqliteDatabases f) : MessageSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteMessageSendTests(SqliteDatabases f) : MessageSendSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteMessageRecordTests(SqliteDatabases f) : MessageRecordSuite(f), IClassFixture<SqliteDatabases>;
