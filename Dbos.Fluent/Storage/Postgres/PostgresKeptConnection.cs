using System.Data;
using Npgsql;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>
/// A connection for one thread that blocks for its answers and so needs no thread of the pool. A connection that failed is replaced at
/// its next use.
/// </summary>
internal sealed class PostgresKeptConnection(PostgresDatabase database) : IDisposable
{
    private NpgsqlConnection? kept;

    /// <summary>Runs one statement, and reads each row.</summary>
    public List<T> Query<T>(string sql, NpgsqlParameter[] parameters, Func<NpgsqlDataReader, T> read, TimeSpan limit)
    {
        var since = TimeProvider.System.GetTimestamp();
        try
        {
            kept = kept is { State: ConnectionState.Open } ? kept : database.Open();
            var rows = Read(kept, sql, parameters, read, limit);
            database.Contact.Reached();
            return rows;
        }
        catch (Exception failure)
        {
            Dispose();
            throw database.Translate(failure, since) ?? failure;
        }
    }

    public void Dispose()
    {
        kept?.Dispose();
        kept = null;
    }

    private static List<T> Read<T>(
        NpgsqlConnection connection, string sql, NpgsqlParameter[] parameters, Func<NpgsqlDataReader, T> read, TimeSpan limit)
    {
        using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = Math.Max(1, (int)Math.Ceiling(limit.TotalSeconds)) };
        command.Parameters.AddRange(parameters);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
        {
            rows.Add(read(reader));
        }

        return rows;
    }
}
