using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Dbos.Fluent.Storage.Sqlite;
using Npgsql;

namespace Dbos.Fluent;

/// <summary>The database that the user chose. Opening it does not connect yet.</summary>
internal abstract record StoreChoice
{
    private const string UrlVariable = "DBOS_SYSTEM_DATABASE_URL";

    public abstract IStore Open(StoreOptions options);

    /// <summary>The default: the database that the environment names, else a file in the current folder.</summary>
    public static StoreChoice Default(string applicationName)
    {
        var url = Environment.GetEnvironmentVariable(UrlVariable);
        if (string.IsNullOrWhiteSpace(url))
        {
            return SqliteChoice.Of(applicationName + ".sqlite") with { IsUnasked = true };
        }

        const string sqlite = "sqlite:///";
        if (url.StartsWith(sqlite, StringComparison.Ordinal))
        {
            return SqliteChoice.Of(url[sqlite.Length..]);
        }

        return url.StartsWith("postgres://", StringComparison.Ordinal) || url.StartsWith("postgresql://", StringComparison.Ordinal)
            ? PostgresChoice.Of(PostgresUrl.ToConnectionString(url), "dbos")
            : throw new ArgumentException($"{UrlVariable} must begin with postgresql:// or sqlite:///.");
    }
}

internal sealed record SqliteChoice(string Path) : StoreChoice
{
    /// <summary>True if neither code nor the environment chose it.</summary>
    public bool IsUnasked { get; init; }

    public static SqliteChoice Of(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return new SqliteChoice(path);
    }

    public override IStore Open(StoreOptions options) => options.HasSideTables
        ? new SqliteStore(Path, options)
        : throw new StoreSchemaException(
            $"The file '{Path}' has tables of DBOS and none of this library, which its clients need: launch an engine on it once.");
}

internal sealed record PostgresChoice(NpgsqlDataSource? DataSource, string? ConnectionString, string Schema) : StoreChoice
{
    private const int KeepAliveSeconds = 30;

    public static PostgresChoice Of(string connectionString, string schema)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        _ = new NpgsqlConnectionStringBuilder(connectionString);   // Throws for a malformed one, where the mistake is.
        return new PostgresChoice(null, connectionString, new SchemaName(schema).Value);
    }

    public static PostgresChoice Of(NpgsqlDataSource dataSource, string schema)
    {
        ArgumentNullException.ThrowIfNull(dataSource);
        return new PostgresChoice(dataSource, null, new SchemaName(schema).Value);
    }

    public override IStore Open(StoreOptions options) =>
        new PostgresStore(DataSource ?? BuildSource(), ownsDataSource: DataSource is null, Schema, options);

    // Some connections are kept permanently and may be idle for long. If their other end has vanished silently, the next use must fail,
    // not hang.
    private NpgsqlDataSource BuildSource()
    {
        var builder = new NpgsqlSlimDataSourceBuilder(ConnectionString).EnableArrays().EnableTransportSecurity();
        var settings = builder.ConnectionStringBuilder;
        if (settings is { TcpKeepAlive: false, TcpKeepAliveTime: 0 })
        {
            settings.TcpKeepAlive = true;
            (settings.TcpKeepAliveTime, settings.TcpKeepAliveInterval) = (KeepAliveSeconds, KeepAliveSeconds / 3);
        }

        return builder.Build();
    }
}
