namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Identifies files by their location, whatever links lead there.</summary>
internal static class SqliteFile
{
    public static bool IsSame(string one, string? other) =>
        !string.IsNullOrEmpty(other) && (one == other || Resolve(one) == Resolve(other));

    private static string Resolve(string path)
    {
        var full = Path.GetFullPath(path);
        if (Path.GetDirectoryName(full) is not { } directory)
        {
            return full;
        }

        var here = Path.Combine(Resolve(directory), Path.GetFileName(full));
        FileSystemInfo entry = Directory.Exists(here) ? new DirectoryInfo(here) : new FileInfo(here);
        return entry.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? here;
    }
}
