using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Dbos.Fluent.Tests.Interop;

/// <summary>Our store alone, without an engine: it makes the tables.</summary>
internal static class OwnTables
{
#pragma warning disable CA2000 // The store owns its data source.
    /// <summary>Opens a database, whatever is in it.</summary>
    public static PostgresStore Open(string connection, string schema = "dbos") =>
        new(NpgsqlDataSource.Create(connection), true, schema, new StoreOptions { Logger = NullLogger.Instance });
#pragma warning restore CA2000
}
