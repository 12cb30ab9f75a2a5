using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Dbos.Fluent;

/// <summary>Configures a client. The callback of a connect or launch sets the options; they are read once, right after it.</summary>
/// <remarks>
/// Without <c>UsePostgres</c> or <c>UseSqlite</c> the environment variable <c>DBOS_SYSTEM_DATABASE_URL</c> names the database
/// (<c>postgresql://…</c> or <c>sqlite:///…</c>). Without that variable it is the SQLite file <c>{application name}.sqlite</c> in the
/// current folder, so a service without configuration still starts, on a database of its own. Name the database wherever it matters.
/// </remarks>
public class ClientOptions
{
    internal StoreChoice? Store { get; private protected set; }

    /// <summary>Wraps the store, for fault tests.</summary>
    internal Func<IStore, IStore> WrapStore { get; set; } = store => store;

    /// <summary>The payload limits, for tests with larger payloads.</summary>
    internal SerializationLimits Limits { get; set; } = new();

    /// <summary>The application that the client or engine belongs to.</summary>
    /// <value>
    /// Null by default: an engine uses the entry assembly's name, and a client has none. A client in a different program than its engines
    /// must set their name.
    /// </value>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public string? ApplicationName
    {
        get;
        set => field = value is null ? null : Names.CheckName(value, nameof(ApplicationName));
    }

    /// <summary>The clock of workflow time: sleeps, deadlines, retry waits. Leases never use it.</summary>
    /// <value><see cref="TimeProvider.System"/> by default, with which PostgreSQL's own clock is used.</value>
    public TimeProvider TimeProvider
    {
        get;
        set
        {
            ArgumentNullException.ThrowIfNull(value, nameof(TimeProvider));
            field = value;
        }
    } = TimeProvider.System;

    /// <summary>Where the library logs.</summary>
    /// <value>Null by default: nowhere.</value>
    public ILoggerFactory? LoggerFactory { get; set; }

    /// <summary>Contracts, converters and source-generated contexts for payloads.</summary>
    /// <remarks>
    /// Use the same options in every engine and client of an application: a member that was written under another name or in another form
    /// is read as missing. It then has the default of its type, unless <c>RespectRequiredConstructorParameters</c> makes that an error.
    /// </remarks>
    /// <value>Null by default: the framework's own contracts.</value>
    public System.Text.Json.JsonSerializerOptions? JsonOptions { get; set; }

    /// <summary>
    /// Whether to use LISTEN/NOTIFY on Postgres; without it, everything polls. Turn it off in every engine and client behind a connection
    /// pooler that shares sessions: with it on, the library configures its sessions, and such a pooler passes them to other programs.
    /// </summary>
    /// <value>True by default. SQLite has no notifications and always polls.</value>
    public bool Notifications { get; set; } = true;

    /// <summary>The interval of the covering poll behind every wait.</summary>
    /// <value>Null by default: 10 s with notifications, 1 s without, 200 ms on SQLite.</value>
    /// <exception cref="ArgumentOutOfRangeException">The interval is zero, negative or longer than a day.</exception>
    public TimeSpan? PollInterval
    {
        get;
        set => field = value is { } interval && (interval <= TimeSpan.Zero || interval > TimeSpan.FromDays(1))
            ? throw new ArgumentOutOfRangeException(nameof(PollInterval), value, "PollInterval is longer than zero and at most a day.")
            : value;
    }

    /// <summary>Uses a PostgreSQL database (13 or later), reached by a connection string.</summary>
    /// <param name="connectionString">The Npgsql connection string.</param>
    /// <param name="schema">The schema of the DBOS tables; <c>dbos</c> by default, as in every SDK.</param>
    /// <returns>These options.</returns>
    /// <exception cref="ArgumentException">
    /// The connection string is malformed, or the schema's name is blank, too long or holds control characters.
    /// </exception>
    public ClientOptions UsePostgres(string connectionString, string schema = "dbos")
    {
        Store = PostgresChoice.Of(connectionString, schema);
        return this;
    }

    /// <summary>
    /// Uses a PostgreSQL database through a data source that the application owns: the library does not dispose it.
    /// </summary>
    /// <param name="dataSource">The data source.</param>
    /// <param name="schema">The schema of the DBOS tables; <c>dbos</c> by default.</param>
    /// <returns>These options.</returns>
    /// <exception cref="ArgumentException">The schema's name is blank, too long or holds control characters.</exception>
    public ClientOptions UsePostgres(NpgsqlDataSource dataSource, string schema = "dbos")
    {
        Store = PostgresChoice.Of(dataSource, schema);
        return this;
    }

    /// <summary>Uses an embedded SQLite database: one file, shared by the processes of one machine.</summary>
    /// <param name="path">The file, which is created if it does not exist. Its folder must exist.</param>
    /// <returns>These options.</returns>
    /// <exception cref="ArgumentException">The path is blank.</exception>
    public ClientOptions UseSqlite(string path)
    {
        Store = SqliteChoice.Of(path);
        return this;
    }
}
