using System.Security.Cryptography;
using System.Text;

namespace Dbos.Fluent.Execution;

/// <summary>The default application version: a fingerprint of the registered workflows' own code.</summary>
internal static class CodeVersion
{
    public static string Of(Registry registry)
    {
        var text = new StringBuilder();
        foreach (var definition in registry.Definitions)
        {
            text.Append(definition.Name).Append('\n').Append(definition.Fingerprint).Append('\n');
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())))[..32];
    }
}
