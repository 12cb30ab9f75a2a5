namespace Dbos.Fluent.Model;

/// <summary>The recorded names of built-in steps: the DBOS names, or names under this library's own prefix where DBOS has none.</summary>
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

    /// <summary>The row at which compensation begins; later rows belong to the compensation, not to the workflow's own steps.</summary>
    public const string Compensating = "Dbos.Fluent.compensating";

    /// <summary>The prefix of a patch's name; no name of a DBOS step begins like this.</summary>
    public const string PatchPrefix = "DBOS.patch-";

    // These steps have no row of their own: only messages use the names.
    public const string All = "All";
    public const string Parallel = "Parallel";
    public const string ContinueAsNew = "ContinueAsNew";

    private static readonly string[] Prefixes = ["DBOS.", "Dbos.Fluent."];

    /// <summary>Returns the built-in prefix of a name; null for other names. No user step may have such a prefix.</summary>
    // Each step that is made asks for it, so it allocates nothing.
    public static string? PrefixOf(string name)
    {
        foreach (var prefix in Prefixes)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
            {
                return prefix;
            }
        }

        return null;
    }
}
