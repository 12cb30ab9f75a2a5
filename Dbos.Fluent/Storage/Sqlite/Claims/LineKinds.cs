namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>The kinds of rows in the lines of queues that a claim may take, found by jumps along <c>idx_fluent_line</c>.</summary>
internal sealed class LineKinds(SqliteSession session, ClaimRequest request)
{
    private readonly Dictionary<string, List<LineKind>> found = new(StringComparer.Ordinal);
    private readonly HashSet<string> names = [.. request.WorkflowNames];
    private bool? takesUnversioned;
    private HashSet<(string Version, string Name)>? kin;

    /// <summary>Whether the claim takes rows without a version.</summary>
    // Read when a row asks for it, as are the kin: a line of rows of exactly this version costs nothing more.
    public bool TakesUnversioned => takesUnversioned ??= new SqliteClaimReads(session, request, 0).TakesUnversioned();

    /// <summary>Those of one queue, as the claim found them; it may have taken their rows since.</summary>
    public List<LineKind> Of(string queue)
    {
        if (!found.TryGetValue(queue, out var kinds))
        {
            kinds = [.. FindAll(queue, request.ApplicationName).Concat(FindAll(queue, null)).Where(IsMine)];
            found.Add(queue, kinds);
        }

        return kinds;
    }

    private IEnumerable<LineKind> FindAll(string queue, string? applicationName)
    {
        for (LineKind? kind = new(applicationName, "", ""); kind is not null;)
        {
            kind = (IsOwn(kind.Version) ? FindNext(kind, kind.Bind(session.Use(LineSql.ReadNextName), queue)) : null)
                ?? FindNext(kind, kind.BindVersion(session.Use(LineSql.ReadNextVersion), queue));
            if (kind is not null)
            {
                yield return kind;
            }
        }
    }

    private static LineKind? FindNext(LineKind after, SqliteStatement bound)
    {
        using var statement = bound;
        return statement.Step() ? after with { Version = statement.Text(0), Name = statement.Text(1) } : null;
    }

    // Of other versions' rows only the first of each is looked at, whatever names they have.
    private bool IsOwn(string version) =>
        version.Length == 0 || version == request.ApplicationVersion || Kin.Any(one => one.Version == version);

    private bool IsMine(LineKind kind) => names.Contains(kind.Name)
        && (kind.Version == request.ApplicationVersion
            || (kind.Version.Length == 0 ? TakesUnversioned : Kin.Contains((kind.Version, kind.Name))));

    private HashSet<(string Version, string Name)> Kin => kin ??= ReadKin();

    private HashSet<(string Version, string Name)> ReadKin()
    {
        using var statement = session.Use(VersionSql.Kin)
            .Bind("@application_name", request.ApplicationName)
            .Bind("@application_version", request.ApplicationVersion)
            .Bind("@real_now", TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
        var read = new HashSet<(string, string)>();
        while (statement.Step())
        {
            read.Add((statement.Text(0), statement.Text(1)));
        }

        return read;
    }
}

/// <summary>Rows of one application (or of none), version and workflow's name. Rows without a version have the empty one.</summary>
internal sealed record LineKind(string? ApplicationName, string Version, string Name)
{
    public SqliteStatement Bind(SqliteStatement statement, string queue) => BindVersion(statement, queue).Bind("@name", Name);

    public SqliteStatement BindVersion(SqliteStatement statement, string queue) => statement
        .Bind("@queue_name", queue)
        .Bind("@application_name", ApplicationName)
        .Bind("@version", Version);
}
