using Npgsql;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Starts many workflows in one transaction: all, or none.</summary>
internal sealed class PostgresBulkStarts(PostgresDatabase database)
{
    // Large enough that the statement's own cost does not count. Small enough that the data is not held twice in memory, arrives in time,
    // and fits into one message of the server.
    private const int RowsMax = 2_000;
    private const long SizeMax = 16L << 20;

    // Opening the connection, and the beginning and the end of the transaction.
    private const int StatementsAround = 3;

    private readonly CommitSql sql = CommitSql.Waiting(database.Schema);
    private readonly StandingSql standing = new(database.Schema);

    public async Task<IReadOnlyList<CommitResult>> WriteAsync(IReadOnlyList<StartUnit> starts, CancellationToken cancellationToken)
    {
        if (starts.Count == 0)
        {
            return [];
        }

        var portions = Portions(starts);
        return await database.LimitAsync(
            StatementsAround + portions.Count, () => OnConnectionAsync(starts, portions, cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>Splits the numbers of the starts, in writing order, into the portions of one statement each.</summary>
    public static List<int[]> Portions(IReadOnlyList<StartUnit> starts)
    {
        List<int[]> portions = [];
        List<int> portion = [];
        var size = 0L;
        foreach (var number in Order(starts))
        {
            size += starts[number].Size;
            if (portion.Count == RowsMax || (size > SizeMax && portion.Count > 0))
            {
                portions.Add([.. portion]);
                portion.Clear();
                size = starts[number].Size;
            }

            portion.Add(number);
        }

        return [.. portions, [.. portion]];
    }

    private async Task<CommitResult[]> OnConnectionAsync(
        IReadOnlyList<StartUnit> starts, List<int[]> portions, CancellationToken cancellationToken)
    {
        var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            return await InTransactionAsync(connection, starts, portions, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<CommitResult[]> InTransactionAsync(
        NpgsqlConnection connection, IReadOnlyList<StartUnit> starts, List<int[]> portions, CancellationToken cancellationToken)
    {
        var results = new CommitResult[starts.Count];
        Array.Fill(results, CommitResult.Busy);
        var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            var session = new CommitSession(connection, sql, standing, database) { Prepares = false };
            foreach (var numbers in portions)
            {
                var written = await session.WriteAsync([.. numbers.Select(number => starts[number])], cancellationToken)
                    .ConfigureAwait(false);
                for (var index = 0; index < numbers.Length; index++)
                {
                    results[numbers[index]] = written[index] ?? CommitResult.Busy;
                }

                // Disposing rolls back.
                if (Array.Exists(numbers, number => !Stands(results[number])))
                {
                    return Array.ConvertAll(results, TakenBack);
                }
            }

            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        }

        return results;
    }

    // What was written is rolled back, so its state is unknown; what existed before still exists.
    private static CommitResult TakenBack(CommitResult result) => result.Status == CommitStatus.Written ? CommitResult.Busy : result;

    private static bool Stands(CommitResult result) => result.Status is CommitStatus.Written or CommitStatus.Attached;

    // Two bulk starts of the same ids wait for each other's rows over all their statements: one order prevents a deadlock. Ids or keys that
    // occur twice already block each other here, and their own order decides.
    private static IEnumerable<int> Order(IReadOnlyList<StartUnit> starts)
    {
        var numbers = Enumerable.Range(0, starts.Count);
        return StartPart.AreApart([.. starts.Select((start, number) => new Numbered<StartUnit>(number, start))])
            ? numbers.Order(Comparer<int>.Create((one, other) => StartPart.InOrder(starts[one].Row, starts[other].Row)))
            : numbers;
    }
}
