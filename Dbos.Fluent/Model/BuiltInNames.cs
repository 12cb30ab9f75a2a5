namespace Dbos.Fluent.Model;

/// <summary>The recorded names of built-in steps: those of DBOS, and names under this library's own prefix where it has none.</summary>
internal static class BuiltInNames
{
    public const string Sleep = "DBOS.sleep";
    public const string Send = "DBOS.send";
    public const string SendBulk = "DBOS.sendBulk";
    public const string Receive = "DBOS.recv";
    public const string SetEvent = "DBOS.setEvent";
    public const string GetEvent = "DBOS.getEvent";
    public const string WriteStream = "DBOS.writeStream";
    public const string CloseStream = "DBOS.closeStream";
    public const string ReadStream = "DBOS.readStreamOffset";
    public const string Debounce = "DBOS.debounceDelayedWorkflow";
    public const string Any = "Dbos.Fluent.any";

    /// <summary>The row that holds another workflow's outcome.</summary>
    public const string GetResult = "DBOS.getResult";

    /// <summary>The row that holds which of several workflows was the first to end.</summary>
    public const string WaitFirst = "DBOS.waitFirst";

    /// <summary>The row that begins the undoing; the rows after it are no part of the workflow's own way.</summary>
    public const string Compensating = "Dbos.Fluent.compensating";

    /// <summary>Before the name of a patch; no DBOS step's name begins like this.</summary>
    public const string PatchPrefix = "DBOS.patch-";

    // These have no row of their own: the names are used in messages alone.
    public const string All = "All";
    public const string Parallel = "Parallel";
    public const string ContinueAsNew = "ContinueAsNew";

    private static readonly string[] Prefixes = ["DBOS.", "Dbos.Fluent."];

    /// <summary>The prefix by which a name is that of a built-in step; null for other names. No step of the user's own has one.</summary>
    public static string? PrefixOf(string name) =>
        Array.Find(Prefixes, prefix => name.StartsWith(prefix, StringComparison.Ordinal));
}
