using System.Globalization;
using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>The conditions that a filter sets on rows <c>w</c> of <c>workflow_status</c>, and their parameters.</summary>
/// <remarks>The statement contains only conditions that are asked for, so that it can use the matching index.</remarks>
internal sealed class FilterSql
{
    private readonly List<string> conditions = [];
    private readonly List<(string Name, string? Text, long? Number)> parameters = [];

    private readonly IReadOnlyList<WorkflowState>? states;

    public FilterSql()
    {
    }

    public FilterSql(FilteredRows rows)
    {
        var filter = rows.Filter;
        states = filter.WantedStates;
        if (filter.QueuedOnly)
        {
            Add("w.queue_name IS NOT NULL");
            Add(NotParked);
        }

        AddText("w.workflow_uuid IN (SELECT value FROM json_each({0}))", filter.Ids is { } ids ? SqliteLists.Of(ids) : null);
        AddPrefix(filter.IdPrefix);
        AddText("w.name = {0}", filter.Name);
        AddText("w.queue_name = {0}", filter.Queue);
        AddText("w.executor_id = {0}", filter.ExecutorId);
        AddText("w.application_version = {0}", filter.ApplicationVersion);
        AddText("w.parent_workflow_id = {0}", filter.ParentId);
        AddText("w.forked_from = {0}", filter.ForkedFrom);
        AddText("w.schedule_name = {0}", filter.ScheduleName);
        AddText("w.queue_partition_key = {0}", filter.PartitionKey);
        AddText("w.deduplication_id = {0}", filter.DeduplicationId);
        AddNumber("w.created_at >= {0}", EpochMs.Floor(filter.CreatedAfter));
        AddNumber("w.created_at < {0}", EpochMs.Ceiling(filter.CreatedBefore));
        AddNumber("w.completed_at >= {0}", EpochMs.Floor(filter.CompletedAfter));
        AddNumber("w.completed_at < {0}", EpochMs.Ceiling(filter.CompletedBefore));
        AddText(Contains, rows.AttributesJson);
    }

    // Each attribute asked for must exist with the same kind and value: true does not equal 1, and text no number, but 1 equals 1.0.
    private const string Contains = """
        w.attributes IS NOT NULL AND NOT EXISTS (
                    SELECT 1 FROM json_each({0}) AS wanted
                     WHERE NOT EXISTS (
                        SELECT 1 FROM json_each(w.attributes) AS found
                         WHERE found.key = wanted.key AND found.atom IS wanted.atom AND found.type NOT IN ('array', 'object')
                           AND replace(found.type, 'real', 'integer') = replace(wanted.type, 'real', 'integer')))
        """;

    private const string NotParked = $"""
        NOT (w.status = '{WorkflowStates.Delayed}' AND EXISTS (SELECT 1 FROM fluent_waits AS f WHERE f.workflow_uuid = w.workflow_uuid))
        """;

    // Repeats the condition of idx_workflow_status_failed word for word, or SQLite would not use the index.
    private const string Failed =
        $"w.status IN ('{WorkflowStates.Error}', '{WorkflowStates.Cancelled}', '{WorkflowStates.MaxRecoveryAttemptsExceeded}')";

    /// <summary>All conditions at once.</summary>
    public string Where => states is null ? Joined(conditions) : Joined([.. conditions, $"w.status IN ({Listed(states)})"]);

    /// <summary>
    /// The same conditions once for each state. Each such part can use the partial index of its state; a list of states cannot.
    /// </summary>
    public IReadOnlyList<string> WhereEach => states is null or []
        ? [Where]
        : [.. states.Select(state => Joined([.. conditions, Is(state)]))];

    public void Add(string condition) => conditions.Add(condition);

    public void AddText(string condition, string? value)
    {
        if (value is not null)
        {
            Add(string.Format(CultureInfo.InvariantCulture, condition, Text(value)));
        }
    }

    public void AddNumber(string condition, long? value)
    {
        if (value is not null)
        {
            Add(string.Format(CultureInfo.InvariantCulture, condition, Number(value)));
        }
    }

    /// <summary>Selects only rows after a position in the order of a column and the id.</summary>
    public void AddAfter(string column, PageKey? after, bool descending = false)
    {
        if (after is { } place)
        {
            var (at, id) = (Number(place.AtMs), Text(place.Id));
            var beyond = descending ? "<" : ">";
            Add($"{column} {beyond}= {at} AND ({column} {beyond} {at} OR w.workflow_uuid {beyond} {id})");
        }
    }

    /// <summary>Adds a parameter and returns its name.</summary>
    public string Text(string? value) => Parameter(value, null);

    /// <inheritdoc cref="Text"/>
    public string Number(long? value) => Parameter(null, value);

    /// <summary>Begins the use of a statement that contains these conditions.</summary>
    public SqliteStatement Use(SqliteSession session, string sql)
    {
        var statement = session.UseOnce(sql);
        foreach (var (name, text, number) in parameters)
        {
            _ = text is null ? statement.Bind(name, number) : statement.Bind(name, text);
        }

        return statement;
    }

    // The range lets SQLite use the index; the comparison of the letters decides.
    private void AddPrefix(string? prefix)
    {
        if (prefix is not null)
        {
            var name = Text(prefix);
            Add($"w.workflow_uuid >= {name} AND w.workflow_uuid < {name} || char(1114111) "
                + $"AND substr(w.workflow_uuid, 1, length({name})) = {name}");
        }
    }

    private static string Is(WorkflowState state)
    {
        var equation = $"w.status = '{state.ToStored()}'";
        return state.IsTerminal() && state != WorkflowState.Success ? $"{equation} AND {Failed}" : equation;
    }

    private static string Joined(List<string> conditions) =>
        conditions.Count == 0 ? "" : "WHERE " + string.Join(" AND ", conditions);

    public static string Listed(IReadOnlyList<WorkflowState> states) => string.Join(", ", states.Select(state => $"'{state.ToStored()}'"));

    private string Parameter(string? text, long? number)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"@p{parameters.Count}");
        parameters.Add((name, text, number));
        return name;
    }
}
