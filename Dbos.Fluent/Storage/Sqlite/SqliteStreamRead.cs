using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>One read of positions in streams.</summary>
internal sealed class SqliteStreamRead(IReadOnlyList<StreamPosition> positions, int limit)
{
    private readonly List<StreamChunk> chunks = [];

    // Values and writers are read in one statement, so a writer is never seen to have ended before its values.
    public List<StreamChunk> Run(SqliteSession session)
    {
        using var statement = session.Use(MessagingSql.ReadStreams)
            .Bind("@positions", SqliteLists.Of(positions))
            .Bind("@limit", limit);
        var more = statement.Step();
        while (more)
        {
            more = ReadPlace(statement);
        }

        return chunks;
    }

    // Reads the rows of one position, and leaves the statement at the first row of the next.
    private bool ReadPlace(SqliteStatement statement)
    {
        var place = statement.Int32(0);
        var exists = statement.TextOrNull(1) is not null;
        var ended = exists && (statement.Truth(2) || StreamMarker.IsClosed(statement.TextOrNull(5)));
        var closed = false;
        var values = new List<Payload>();
        bool more;
        do
        {
            var value = statement.TextOrNull(3);
            closed |= StreamMarker.IsClosed(value);
            if (value is not null && !closed)
            {
                values.Add(new Payload(value, statement.TextOrNull(4)));
            }

            more = statement.Step();
        }
        while (more && statement.Int32(0) == place);

        Add(place, exists, values, closed || ended);
        return more;
    }

    private void Add(int place, bool exists, List<Payload> values, bool ended)
    {
        // The value beyond the limit was read only to see that something follows.
        if (values.Count > limit)
        {
            values.RemoveRange(limit, values.Count - limit);
            ended = false;
        }

        if (values.Count > 0 || ended || !exists)
        {
            chunks.Add(new StreamChunk(positions[place], values, ended, exists));
        }
    }
}
