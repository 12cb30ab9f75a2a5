using Dbos.Fluent.Tests.Stores.Postgres;

namespace Dbos.Fluent.Tests.Stores.PostgresPolling;

/// <summary>PostgreSQL databases behind something that lets no notifications through.</summary>
public sealed class PostgresPollingStores(SharedPostgres server) : PostgresStores(server)
{
    internal override bool PushesSignals => false;

    protected override bool Notifications => false;
}
