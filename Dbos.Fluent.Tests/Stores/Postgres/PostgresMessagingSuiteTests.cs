using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresMessageStoreTests(PostgresStores f) : MessageStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresEventStoreTests(PostgresStores f) : EventStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresStreamStoreTests(PostgresStores f) : StreamStoreSuite(f), IClassFixture<PostgresStores>;
