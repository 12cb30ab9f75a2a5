using Npgsql;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Commits units on one connection.</summary>
internal sealed class CommitSession(NpgsqlConnection connection, CommitSql sql, StandingSql standing, PostgresDatabase database)
{
    // Only a start whose obstacle repeatedly vanishes is written more than twice.
    private const int TriesMax = 10;

    /// <summary>True on a kept connection that prepares its statements; false for one that is used once.</summary>
    public required bool Prepares { get; init; }

    /// <summary>Writes units in one transaction, and finds out why others were not written.</summary>
    /// <returns>A result for each unit; null for a start whose obstacle had vanished each time it was looked for.</returns>
    public async Task<CommitResult?[]> WriteAsync(IReadOnlyList<CommitUnit> units, CancellationToken cancellationToken)
    {
        var results = new CommitResult?[units.Count];
        for (var tries = 0; tries < TriesMax; tries++)
        {
            var parts = CommitPart.Of(units, results);
            if (parts.Count == 0)
            {
                break;
            }

            await SendAsync(
                Writes(parts),
                (part, row) => part.Take(row, results),
                cancellationToken).ConfigureAwait(false);
            await SendAsync(Questions(parts, results), (part, row) => part.TakeAnswer(row, results), cancellationToken)
                .ConfigureAwait(false);
        }

        await RecordAttachedAsync(units, results, cancellationToken).ConfigureAwait(false);
        return results;
    }

    private List<(CommitPart Part, NpgsqlBatchCommand Command)> Writes(List<CommitPart> parts)
    {
        List<(CommitPart Part, NpgsqlBatchCommand Command)> writes = [];
        foreach (var part in parts)
        {
            // A lock that is waited for is taken in an earlier statement, so that the snapshot of the unit's own is newer than it.
            if (sql.Waits && part.RenderLock(sql) is { } held)
            {
                writes.Add((new LockPart(held), held));
            }

            writes.Add((part, part.Render(sql, database.Now)));
        }

        return writes;
    }

    private List<(CommitPart Part, NpgsqlBatchCommand Command)> Questions(List<CommitPart> parts, CommitResult?[] results)
    {
        List<(CommitPart Part, NpgsqlBatchCommand Command)> questions = [];
        foreach (var part in parts)
        {
            if (part.RenderQuestion(standing, results) is { } question)
            {
                questions.Add((part, question));
            }
        }

        return questions;
    }

    // The start writes the parent's checkpoint only for a child that it created; a child that existed already is recorded here.
    private async Task RecordAttachedAsync(IReadOnlyList<CommitUnit> units, CommitResult?[] results, CancellationToken cancellationToken)
    {
        List<int> numbers = [];
        List<CommitUnit> checkpoints = [];
        for (var number = 0; number < units.Count; number++)
        {
            if (results[number]?.Status == CommitStatus.Attached
                && units[number] is StartUnit { Parent: { } parent, ParentCheckpoint: { } row })
            {
                numbers.Add(number);
                checkpoints.Add(new CheckpointUnit(parent, [row]));
            }
        }

        if (checkpoints.Count == 0)
        {
            return;
        }

        var recorded = await WriteAsync(checkpoints, cancellationToken).ConfigureAwait(false);
        for (var index = 0; index < numbers.Count; index++)
        {
            if (recorded[index] is { Status: not CommitStatus.Written } lost)
            {
                results[numbers[index]] = lost;
            }
        }
    }

    // One batch is one round trip and, with its single synchronisation point, one transaction.
    private async Task SendAsync(
        List<(CommitPart Part, NpgsqlBatchCommand Command)> sent,
        Action<CommitPart, NpgsqlDataReader> take,
        CancellationToken cancellationToken)
    {
        if (sent.Count == 0)
        {
            return;
        }

        var batch = new NpgsqlBatch(connection) { Timeout = database.TimeoutSeconds };
        await using (batch.ConfigureAwait(false))
        {
            foreach (var (_, command) in sent)
            {
                batch.BatchCommands.Add(command);
            }

            if (Prepares)
            {
                await batch.PrepareAsync(cancellationToken).ConfigureAwait(false);
            }

            var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                foreach (var (part, _) in sent)
                {
                    while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                    {
                        take(part, reader);
                    }

                    await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
                }
            }
        }
    }
}
