using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Checks whether somebody else's connection leads to the database that holds the workflows.</summary>
/// <remarks>
/// The names that clients use say little: one server has several, and a pooler gives its databases other names. So where the names differ
/// both servers are asked for the database's own name and for the number of the table there. Two databases whose tables were made alike
/// may agree in both and are taken for one; one database is never taken for two.
/// </remarks>
internal sealed class PostgresHome(PostgresDatabase database)
{
    private readonly Address own = Address.Of(database.ConnectionString);

    // The last address found to lead here: a program has few, and checks each of its transactions.
    private Address? same;

    /// <exception cref="ArgumentException">The connection leads to another database.</exception>
    public async Task CheckAsync(NpgsqlConnection connection, string parameter, CancellationToken cancellationToken)
    {
        var address = new Address(connection.Host, connection.Port, connection.Database);
        if (address == own || address == Volatile.Read(ref same))
        {
            return;
        }

        var ask = SchemaSql.ReadHome;
        var theirs = (await database.QueryAsync(connection, ask, [Schema], Read, cancellationToken).ConfigureAwait(false))[0];
        var ours = (await database.QueryAsync(ask, [Schema], Read, cancellationToken).ConfigureAwait(false))[0];
        if (theirs != ours)
        {
            throw new ArgumentException(
                $"The transaction is in database '{theirs.Database}' at {address.Host}, and the workflows are in '{ours.Database}' at "
                + $"{own.Host}: what is written there would never run. Begin it on the database of the workflows.",
                parameter);
        }

        Volatile.Write(ref same, address);
    }

    private NpgsqlParameter Schema => Text(database.Schema.Value);

    private static Place Read(NpgsqlDataReader row) => new(row.GetString(0), row.NumberOrNull(1));

    private sealed record Place(string Database, long? Table);

    /// <summary>The address that a client uses.</summary>
    private sealed record Address(string? Host, int Port, string? Database)
    {
        public static Address Of(string connectionString)
        {
            var given = new NpgsqlConnectionStringBuilder(connectionString);
            return new Address(given.Host, given.Port, given.Database ?? given.Username);
        }
    }
}
