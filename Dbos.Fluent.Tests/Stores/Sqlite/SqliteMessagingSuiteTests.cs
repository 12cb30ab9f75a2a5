using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteMessageStoreTests(SqliteStores f) : MessageStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteEventStoreTests(SqliteStores f) : EventStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteStreamStoreTests(SqliteStores f) : StreamStoreSuite(f), IClassFixture<SqliteStores>;
