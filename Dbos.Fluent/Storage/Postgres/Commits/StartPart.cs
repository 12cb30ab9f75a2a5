using Dbos.Fluent.Model;
using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>The starts of a commit.</summary>
internal sealed class StartPart : CommitPart
{
    private readonly List<Numbered<StartUnit>> units;

    // Starts whose parent was locked and owned by the statement; a start without a parent needs neither.
    private readonly HashSet<int> allowed;

    public StartPart(List<Numbered<StartUnit>> units)
    {
        // Two processes that start the same ids at once wait for each other's rows: one order prevents a deadlock. Their own order counts
        // only if starts of this batch block each other.
        if (AreApart(units))
        {
            units.Sort((one, other) => InOrder(one.Unit.Row, other.Unit.Row));
        }

        this.units = units;
        allowed = [.. Enumerable.Range(0, units.Count).Where(ord => units[ord].Unit.Parent is null)];
    }

    public override NpgsqlBatchCommand Render(CommitSql sql, NpgsqlParameter now) => units switch
    {
        [var (_, unit)] when unit.Parent is null => PostgresDatabase.Command(sql.Start, [now, .. RowOf(unit.Row)]),
        [var (_, unit)] => PostgresDatabase.Command(sql.ChildStart, [now, .. RowOf(unit.Row), .. ParentOf(unit)]),
        _ => PostgresDatabase.Command(sql.Starts, [now, .. RowColumns(), .. ParentColumns()]),
    };

    public override void Take(NpgsqlDataReader row, CommitResult?[] results)
    {
        var ord = row.GetInt32(0);
        allowed.Add(ord);
        if (row.NumberOrNull(1) is { } createdAt)
        {
            results[units[ord].Number] = new CommitResult(CommitStatus.Written, null, createdAt, row.NumberOrNull(2));
        }
    }

    public override NpgsqlBatchCommand? RenderQuestion(StandingSql sql, CommitResult?[] results)
    {
        var open = Enumerable.Range(0, units.Count).Where(ord => results[units[ord].Number] is null).ToList();
        return open.Count == 0 ? null : PostgresDatabase.Command(
            sql.ReadStarts,
            Smalls(open, ord => ord),
            Texts(open, ord => units[ord].Unit.Row.Id),
            Texts(open, ord => units[ord].Unit.Row.Token),
            Texts(open, ord => units[ord].Unit.Row.Queue),
            Texts(open, ord => units[ord].Unit.Row.DeduplicationId),
            Texts(open, ord => units[ord].Unit.Parent?.WorkflowId),
            Texts(open, ord => units[ord].Unit.Parent?.Token));
    }

    public override void TakeAnswer(NpgsqlDataReader row, CommitResult?[] results)
    {
        var ord = row.GetInt32(0);
        var (number, unit) = units[ord];
        if (row.GetBoolean(1))
        {
            results[number] = new CommitResult(CommitStatus.Written, null, row.GetInt64(4), row.NumberOrNull(5))
            {
                MovedOn = unit.Row.State == WorkflowState.Pending && !row.GetBoolean(10),
                ParentMovedOn = unit.Parent is not null && !row.GetBoolean(9),
            };
        }
        else if (!allowed.Contains(ord))
        {
            results[number] = row.GetBoolean(9) ? CommitResult.Busy : CommitResult.NotOwned;
        }
        else if (!row.IsDBNull(3))
        {
            results[number] = unit.InTheWay(
                new ExistingWorkflow(unit.Row.Id, row.TextOrNull(2) ?? "", WorkflowStates.Parse(row.GetString(3))), row.TextOrNull(11));
        }
        else if (!row.IsDBNull(6))
        {
            results[number] = new CommitResult(
                CommitStatus.Deduplicated,
                new ExistingWorkflow(row.GetString(6), row.TextOrNull(7) ?? "", WorkflowStates.Parse(row.GetString(8))));
        }
    }

    /// <summary>Whether no start blocks another: no id and no deduplication id occurs twice.</summary>
    public static bool AreApart(List<Numbered<StartUnit>> units) =>
        units.Select(unit => unit.Unit.Row.Id).Distinct().Count() == units.Count
        && units.Where(unit => unit.Unit.Row.DeduplicationId is not null)
            .GroupBy(unit => (unit.Unit.Row.Queue, unit.Unit.Row.DeduplicationId))
            .All(holders => holders.Count() == 1);

    /// <summary>
    /// The order in which starts take their keys, in every process: first by deduplication id, which does not follow from the id.
    /// </summary>
    public static int InOrder(WorkflowInsert one, WorkflowInsert other) => (one.DeduplicationId, other.DeduplicationId) switch
    {
        (null, null) => string.CompareOrdinal(one.Id, other.Id),
        (null, _) => 1,
        (_, null) => -1,
        var (key, otherKey) when string.CompareOrdinal(one.Queue, other.Queue) is 0 => string.CompareOrdinal(key, otherKey),
        _ => string.CompareOrdinal(one.Queue, other.Queue),
    };

    /// <summary>The parameters $2 to $20 of a start.</summary>
    public static NpgsqlParameter[] RowOf(WorkflowInsert row) =>
    [
        Text(row.Id),
        Text(row.State.ToStored()),
        Text(row.Name),
        Text(row.Token),
        Text(row.ExecutorId),
        Text(row.ApplicationName),
        Text(row.ApplicationVersion),
        Text(row.Queue),
        Small(row.Priority),
        Text(row.DeduplicationId),
        Text(row.PartitionKey),
        Text(row.ParentId),
        Text(row.ScheduleName),
        Text(row.Input.Format),
        Text(row.AttributesJson),
        Number(row.TimeoutMs),
        Number(row.DeadlineMs),
        Number(row.DelayMs),
        Text(row.Input.Text),
    ];

    private static NpgsqlParameter[] ParentOf(StartUnit unit) =>
        [Text(unit.Parent?.WorkflowId), Text(unit.Parent?.Token), .. CheckpointParameters.Values(unit.ParentCheckpoint)];

    private NpgsqlParameter[] RowColumns()
    {
        var rows = units.ConvertAll(unit => unit.Unit.Row);
        return
        [
            Smalls([.. Enumerable.Range(0, units.Count)], ord => ord),
            Texts(rows, row => row.Id),
            Texts(rows, row => row.State.ToStored()),
            Texts(rows, row => row.Name),
            Texts(rows, row => row.Token),
            Texts(rows, row => row.ExecutorId),
            Texts(rows, row => row.ApplicationName),
            Texts(rows, row => row.ApplicationVersion),
            Texts(rows, row => row.Queue),
            Smalls(rows, row => row.Priority),
            Texts(rows, row => row.DeduplicationId),
            Texts(rows, row => row.PartitionKey),
            Texts(rows, row => row.ParentId),
            Texts(rows, row => row.ScheduleName),
            Texts(rows, row => row.Input.Format),
            Texts(rows, row => row.AttributesJson),
            Numbers(rows, row => row.TimeoutMs),
            Numbers(rows, row => row.DeadlineMs),
            Numbers(rows, row => row.DelayMs),
            Texts(rows, row => row.Input.Text),
        ];
    }

    private NpgsqlParameter[] ParentColumns()
    {
        var starts = units.ConvertAll(unit => unit.Unit);
        return
        [
            Texts(starts, start => start.Parent?.WorkflowId),
            Texts(starts, start => start.Parent?.Token),
            .. CheckpointParameters.Columns(starts.ConvertAll(start => start.ParentCheckpoint)),
        ];
    }
}
